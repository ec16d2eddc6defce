"""One trial computed by several processes, a rank each: data parallel, or sharded as well."""
