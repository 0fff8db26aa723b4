"""What apps cost and who gets what of it: orders, payment providers, taxes, shares, the ledger, statements, settlement."""
