"use strict";
// Draws the charts of the data block, follows the reader's light or dark mode, and brings the
// picked contender forward in all of them. Names travel as values, never as code or markup.
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll("[data-chart]")];
  const buttons = [...document.querySelectorAll("button.pick")];
  const drawn = new Map();
  let picked = "";

  // The chart for this page: without its own legend, and in the dark with the same hues, lighter.
  // Only color ranges are touched, so that no name can be taken for a color.
  function adapted(value) {
    if (Array.isArray(value)) return value.map(adapted);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => {
      if (key === "legend") return [key, inner?.title ? inner : null]; // contenders have the page's
      if (key === "values" || key === "datasets") return [key, inner];
      if (key === "range" && dark.matches) return [key, inner.map((one) => data.dark[one] ?? one)];
      return [key, adapted(inner)];
    }));
  }

  function prepared(key, width) {
    const spec = adapted(data.specs[key]);
    const config = structuredClone(data.themes[dark.matches ? "dark" : "light"]);
    config.axisY.labelLimit = Math.min(360, Math.round(width * 0.44));
    spec.config = config;
    if (spec.facet) {
      spec.columns = Math.max(1, Math.floor(width / 180));
    } else {
      spec.width = "container";
      spec.autosize = { type: "fit-x", contains: "padding" };
    }
    return spec;
  }

  async function draw(plot) {
    const key = plot.dataset.chart;
    drawn.get(key)?.finalize();
    const result = await window.vegaEmbed(plot, prepared(key, plot.clientWidth), {
      mode: "vega-lite",
      ast: true, // expressions are interpreted, so the page needs no right to evaluate code
      actions: false,
      renderer: "svg",
      tooltip: { theme: dark.matches ? "dark" : "light" },
    });
    drawn.set(key, result);
    await result.view.signal("picked", picked).runAsync();
  }

  async function drawAll() {
    for (const plot of plots) await draw(plot);
    document.documentElement.dataset.drawn = String(drawn.size);
  }

  function pick(name) {
    picked = picked === name ? "" : name;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.name === picked));
    }
    for (const { view } of drawn.values()) view.signal("picked", picked).runAsync();
  }

  for (const button of buttons) button.addEventListener("click", () => pick(button.dataset.name));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && picked) pick(picked);
  });

  let lastWidth = window.innerWidth;
  let waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === lastWidth) return; // a phone's address bar came or went
    lastWidth = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });
  dark.addEventListener("change", drawAll);
  drawAll();
})();
