/** Figures of a model card, as SVG: the training rides by duration and by hour of the week. */

import type { Profile } from '../profile.ts'
import { countText } from './card-evidence.ts'

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** Both figures as HTML; empty where the profile has no rides. */
export function cardFigures({ duration, hour_of_week: hours }: Profile): string {
  const figures = [
    ...(Math.max(0, ...duration.minutes) > 0 ? [durationFigure(duration)] : []),
    ...(Math.max(...hours) > 0 ? [weekFigure(hours)] : []),
  ]
  return figures.length > 0 ? `<div class="figures">${figures.join('')}</div>` : ''
}

function figure(caption: string, width: number, height: number, content: string): string {
  return (
    `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${caption}">${content}` +
    `</svg><figcaption>${caption}</figcaption></figure>`
  )
}

/** Bars by whole minute; the mean as a line. */
function durationFigure({ minutes, mean, std }: Profile['duration']): string {
  const [width, height, left] = [360, 150, 4]
  const shown = minutes.slice(0, 121)
  const step = (width - 2 * left) / shown.length
  const most = Math.max(...shown)
  const bars = shown.map((rides, minute) => {
    const size = (120 * rides) / most
    return (
      `<rect class="bar" x="${fixed(left + minute * step)}" y="${fixed(128 - size)}" ` +
      `width="${fixed(step * 0.82)}" height="${fixed(size)}">` +
      `<title>${minute} min: ${countText(rides)} rides</title></rect>`
    )
  })
  const every = shown.length > 70 ? 30 : shown.length > 25 ? 15 : 5
  const ticks = shown.flatMap((_, minute) => {
    if (minute % every !== 0) return []
    const anchor = minute === 0 ? 'start' : minute >= shown.length - 2 ? 'end' : 'middle'
    return `<text x="${fixed(left + minute * step)}" y="143" text-anchor="${anchor}">${minute}</text>`
  })
  const at = fixed(left + mean * step)
  const line = `<path class="mark" d="M${at} 6V128"/>`
  const caption =
    `Durations of the training rides, by whole minute; mean ${mean.toFixed(1)}, standard deviation ` +
    `${std.toFixed(1)} minutes`
  return figure(caption, width, height, [...bars, line, ...ticks].join(''))
}

/** A cell for every hour of the week, the darker the more rides. */
function weekFigure(hours: readonly number[]): string {
  const [width, height, left, top] = [360, 150, 32, 4]
  const [across, down] = [(width - left) / 24, 124 / 7]
  const most = Math.max(...hours)
  const cells = hours.map((rides, hour) => {
    const [day, of] = [Math.floor(hour / 24), hour % 24]
    return (
      `<rect class="bar" x="${fixed(left + of * across)}" y="${fixed(top + day * down)}" ` +
      `width="${fixed(across - 1)}" height="${fixed(down - 1)}" ` +
      `opacity="${(0.06 + (0.94 * rides) / most).toFixed(2)}">` +
      `<title>${days[day]} ${of}:00: ${countText(rides)} rides</title></rect>`
    )
  })
  const names = days.map(
    (day, at) => `<text x="0" y="${fixed(top + at * down + 12)}">${day}</text>`,
  )
  const ticks = [0, 6, 12, 18].map((hour) => {
    return `<text x="${fixed(left + hour * across)}" y="143">${hour}:00</text>`
  })
  const busiest = hours.indexOf(most)
  const caption =
    `Training rides by hour of the week; the most, ${countText(most)}, at ` +
    `${days[Math.floor(busiest / 24)]} ${busiest % 24}:00`
  return figure(caption, width, height, [...cells, ...names, ...ticks].join(''))
}

const fixed = (value: number): string => String(Math.round(value * 100) / 100)
