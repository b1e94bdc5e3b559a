/** A profile as one HTML file that opens offline. Knows nothing about how the page shows it. */

import { join } from 'node:path'
import { packageFolder } from '../../package.ts'
import { offlinePage, type PageAssets, readPageAssets } from '../offline-page.ts'
import type { DataProfile } from './document.ts'

/**
 * The bundled page of this package.
 *
 * @throws internal when it was not built
 */
export async function pageAssets(
  folder = join(packageFolder(), 'dist', 'page', 'profile'),
): Promise<PageAssets> {
  return readPageAssets(folder, 'profile')
}

/** The file's text. */
export function profilePage(profile: DataProfile, assets: PageAssets): string {
  const title = `${profile.months.map(({ label }) => label).join(' and ')}: data profile`
  return offlinePage({ title, id: 'profile', document: profile }, assets)
}
