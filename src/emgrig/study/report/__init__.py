"""The page of a study, its paragraph of methods, and truth against found where truth is known."""
