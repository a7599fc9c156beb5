"""Language models: what they are asked, over which wire, and what of their answers may pass."""
