import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';

/** Writes items to the database named by the first argument until it is killed; says each number once it is durable. */
const table = sqliteTable(openDatabase(process.argv[2] ?? ''));
for (let n = 0; ; n++) {
  await table.writeAll([
    { put: { pk: 'left', sk: String(n), n } },
    { update: { pk: 'right', sk: String(n) }, changes: { add: { n } } },
  ]);
  process.stdout.write(`${n}\n`);
}
