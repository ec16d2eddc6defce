"""What a script says of a method that fits in one go."""

from __future__ import annotations

from tunewise.backbones.fusion import Fusion
from tunewise.core.canonical import settings_of
from tunewise.export.script.classifiers import check_tokenizer
from tunewise.export.script.plan import Plan, no_script
from tunewise.training.assembly import Parts


def add_direct(plan: Plan, parts: Parts) -> None:
    """The blocks and values of the method.

    Raises:
        InputError: a script has no words for it.
    """
    name, settings = parts.method.name, settings_of(parts.method)
    plan.blocks.append("main_direct")
    plan.decided |= {"TRAINS": False, "USES_MODEL": False}
    if name == "majority":
        plan.blocks.append("fitted/majority")
    elif name == "tfidf":
        plan.blocks += ["fitted/tfidf", "fitted/penalty"]
        plan.decided["CHOOSES_PENALTY"] = settings["C"] is None
        plan.constants |= {
            "NGRAMS": tuple(settings["ngrams"]),
            "C": settings["C"],
            "MIN_COUNT": settings["min_count"],
            "MAX_FEATURES": settings["max_features"],
        }
    elif name == "nearest-neighbour":
        model = parts.build_model()
        assert model is not None
        if isinstance(model.module, Fusion):
            raise no_script(
                "no script is written for the nearest neighbor of an image with a question; "
                "fusion and head, on the same vectors, have one. --as folder keeps the vectors."
            )
        check_tokenizer(model.processor)
        plan.blocks += ["fitted/neighbors", "pooled"]
        plan.decided["USES_MODEL"] = True
        plan.constants |= {
            "NEIGHBORS": settings["count"],
            "MAX_LENGTH": min(model.max_length, model.longest_text or model.max_length),
        }
    elif name == "prompt":
        raise no_script(
            "no script is written for 'prompt', which trains nothing; --as folder has its words "
            "in prompt.json, with the model that they go to."
        )
    else:
        raise no_script(f"no script is written for the method '{name}'; --as folder is.")
