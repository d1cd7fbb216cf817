declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** Times that tables stay in CREATING and DELETING. */
  function dynalite(options?: { createTableMs?: number; deleteTableMs?: number; updateTableMs?: number }): Server;
  export = dynalite;
}
