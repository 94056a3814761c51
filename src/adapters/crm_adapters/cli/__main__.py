"""`python -m crm_adapters.cli`."""

from crm_adapters.cli import main

main()
