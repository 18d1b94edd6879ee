"""The demo: the 336,776 flights that left New York in 2013, streamed through the lake and asked about."""
