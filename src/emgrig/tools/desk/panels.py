"""The panels of the desk's page, for programs that look for them here; see `emgrig.desk.pages`."""

from emgrig.desk.pages.panels import _impedance_table as _impedance_table
