"""Figures of merit from arrays: numbers with their uncertainty, no hardware."""
