"""Laws of walking: pure and batched. They move the simulated people and serve as model-based predictors."""
