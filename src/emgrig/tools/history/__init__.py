"""`emgrig history`: what the runs of many boards say."""
