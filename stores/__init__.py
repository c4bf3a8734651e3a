"""The index on disk: nodes in LanceDB, the registry in SQL, both committed as one."""
