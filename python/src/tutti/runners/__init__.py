"""Where handlers run: threads, or an asyncio loop."""
