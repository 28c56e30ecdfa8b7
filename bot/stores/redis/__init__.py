"""What passes through, in Redis or Valkey: sessions, the inbox, the bus and the queue."""
