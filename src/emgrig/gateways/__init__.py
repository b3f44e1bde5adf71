"""Boards that speak another language, as boards of ours: they answer as one would.

A gateway is a transport (`emgrig.driver.seams.Transport`) over another one: a board's own bytes
come in, the board link goes out. What the board cannot tell it does not make up: HELLO says so.
"""
