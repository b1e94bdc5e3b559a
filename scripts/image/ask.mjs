// Sends one HTTP request and prints the status, a space and the body: `ask.mjs URL [JSON]`.
// Exits 1 when nobody answers within five seconds.

const [url = '', body] = process.argv.slice(2)
try {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(5000),
  })
  console.log(response.status, await response.text())
} catch (error) {
  console.error(`${url}: ${error.cause?.message ?? error.message}`)
  process.exitCode = 1
}
