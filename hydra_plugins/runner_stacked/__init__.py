"""The launcher ``hydra/launcher=stacked``. Hydra imports this at every start: nothing but Hydra goes into it."""
