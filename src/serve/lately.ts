/** A value that is asked for again and again, made once for as long as the question stays. */
export function lately<Q, T>(make: (question: Q) => T): (question: Q) => T {
  let last: Q | undefined
  let answer: T | undefined
  return (question) => {
    if (question !== last) {
      last = question
      answer = make(question)
    }
    return answer as T
  }
}
