"""Trino SQL over files: parse, bind against a catalog, authorise, lower to DuckDB, scan, run in a worker process.

This room knows no service: tables and files are given to it as plain values (`catalog.Table`, `scan.ScanFile`).
"""
