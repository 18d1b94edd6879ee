"""File formats of the lake: Hive types, JSON deserialisers, columnar writers, and the inference a crawler needs.

Pure over bytes, paths and file objects: nothing here knows a service or the kernel, and pyarrow is imported by the
functions that need it, so that starting up does not pay for it.
"""
