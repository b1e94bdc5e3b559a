/**
 * The page of a model report: reads the document that lies in it and shows it. Asks nothing of any
 * server.
 */

import { render } from 'preact'
import type { ReportDocument } from '../document.ts'
import { Report } from './report.tsx'

const place = document.getElementById('page')
const text = document.getElementById('report')?.textContent
if (place && text) {
  place.textContent = ''
  render(<Report report={JSON.parse(text) as ReportDocument} />, place)
}
