"""The choke point: every read and write of a row goes through `records.service`, with an Actor."""
