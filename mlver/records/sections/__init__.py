"""The sections of the settings, a file each; `mlver.records.config` lists them."""
