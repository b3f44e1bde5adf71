"""BDF+ files: their header, their data records, and how channels are named in them."""
