/** Which proxies the environment names. Knows nothing about how they are asked. */

/** Proxies by scheme, and the hosts that need none. */
export interface Proxies {
  /** Address of the proxy for http, such as `http://127.0.0.1:3128`. */
  readonly http: string | undefined
  readonly https: string | undefined
  /** Hosts and domains with commas between them. */
  readonly none: string
}

/**
 * Reads `http_proxy`, `https_proxy` and `no_proxy`, in small letters first; an empty one counts as
 * not set. This machine is always asked without a proxy.
 *
 * @param faults gets what is wrong with them; addresses are not repeated, a password may stand in them
 */
export function proxiesOf(
  environment: Readonly<Record<string, string | undefined>>,
  faults: string[],
): Proxies {
  const either = (name: string): string | undefined =>
    environment[name] || environment[name.toUpperCase()] || undefined
  const proxy = (name: string): string | undefined => {
    const text = either(name)
    if (text === undefined || (/^https?:\/\//i.test(text) && URL.canParse(text))) return text
    faults.push(`${name} must be an address such as http://127.0.0.1:3128`)
    return undefined
  }
  return {
    http: proxy('http_proxy'),
    https: proxy('https_proxy'),
    none: [either('no_proxy'), 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(','),
  }
}
