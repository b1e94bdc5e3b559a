/** Sums in SQL, as an engine with a server of its own makes them, held to the suite of all engines. */

import { engineConformance } from '../conformance.ts'
import { openSqlOnDuckdb } from './sql-on-duckdb.ts'

engineConformance('trino', openSqlOnDuckdb)
