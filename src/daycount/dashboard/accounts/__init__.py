"""Who signs in to the pages, and to which organizations they belong."""
