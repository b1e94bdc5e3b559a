/** A report as one HTML file that opens offline. Knows nothing about how the page shows it. */

import { join } from 'node:path'
import { packageFolder } from '../../package.ts'
import { offlinePage, type PageAssets, readPageAssets } from '../offline-page.ts'
import type { ReportDocument } from './document.ts'

/**
 * The bundled page of this package.
 *
 * @throws internal when it was not built
 */
export async function reportAssets(
  folder = join(packageFolder(), 'dist', 'page', 'report'),
): Promise<PageAssets> {
  return readPageAssets(folder, 'report')
}

/** The file's text. */
export function reportPage(report: ReportDocument, assets: PageAssets): string {
  const names = report.models.map(({ name }) => name).join(', ')
  const title = `${names} on ${report.rides}: model report`
  return offlinePage({ title, id: 'report', document: report }, assets)
}
