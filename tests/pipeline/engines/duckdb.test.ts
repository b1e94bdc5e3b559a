import { openDuckdbEngine } from '../../../src/pipeline/engines/duckdb.ts'
import { engineConformance } from './conformance.ts'

engineConformance('duckdb', openDuckdbEngine)
