"""Looks inside tables: CSV, Parquet and JSON Lines, in bounded memory."""
