/** A box that scrolls sideways where what is in it is wider than the page. */

import type { ComponentChildren, JSX } from 'preact'

/**
 * A box with a name, reachable by the keyboard.
 *
 * @param isTall whether it scrolls downwards, too
 */
export function Scroll({
  label,
  isTall = false,
  children,
}: {
  label: string
  isTall?: boolean
  children: ComponentChildren
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without a mouse, it is scrolled by keys
    <section class={isTall ? 'scroll tall' : 'scroll'} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
