"""What happens in a session, in which order: events in, actions out."""
