"""From volts to envelopes and indicators: filters, cleaning, quality, statistics."""
