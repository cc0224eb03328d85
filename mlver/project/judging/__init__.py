"""Verdicts on versions in use: their events are counted, judged by the rule, and recorded."""
