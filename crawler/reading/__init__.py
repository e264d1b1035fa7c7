"""What an answer holds: unpacked, decoded and parsed in processes that may be killed."""
