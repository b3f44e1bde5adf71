"""A reader a format; none of them trusts what it reads."""
