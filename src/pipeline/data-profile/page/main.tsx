/**
 * The page of `ridecast data profile`: reads the document that lies in it and shows it. Asks nothing
 * of any server.
 */

import { render } from 'preact'
import type { DataProfile } from '../document.ts'
import { Report } from './report.tsx'

const place = document.getElementById('page')
const text = document.getElementById('profile')?.textContent
if (place && text) {
  place.textContent = ''
  render(<Report profile={JSON.parse(text) as DataProfile} />, place)
}
