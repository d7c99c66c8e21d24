"""Payment methods: cards, accounts and mandates that customers left at payment providers."""
