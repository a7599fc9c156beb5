"""From an observation to a command: route, candidates, objective, shield."""
