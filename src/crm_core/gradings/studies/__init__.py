"""Studies: candidates compared, shares of the layers, and fairness seen from outside."""
