"""Where handlers run: threads, an asyncio loop, or worker processes."""
