"""The store's pages, which need no script, and its thin face by the TM Forum's open APIs."""
