/**
 * The documents of `@effect/cli` as plain text.
 *
 * @since 0.1.0
 */
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"

const ofSpan = (span: Span.Span): string => {
  switch (span._tag) {
    case "Text":
    case "URI":
      return span.value
    case "Sequence":
      return ofSpan(span.left) + ofSpan(span.right)
    case "Highlight":
    case "Strong":
    case "Weak":
      return ofSpan(span.value)
  }
}

/**
 * The paragraphs of a document, definitions left out.
 *
 * @since 0.1.0
 * @category conversions
 */
export const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Paragraph":
    case "Header":
      return [ofSpan(doc.value)]
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    case "Enumeration":
      return doc.elements.flatMap(paragraphs)
    case "Empty":
    case "DescriptionList":
      return []
  }
}

/**
 * The definitions of a document: each term with the paragraphs about it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const definitions = (
  doc: HelpDoc.HelpDoc
): ReadonlyArray<readonly [term: string, about: ReadonlyArray<string>]> => {
  switch (doc._tag) {
    case "DescriptionList":
      return doc.definitions.map(([term, about]) => [ofSpan(term), paragraphs(about)])
    case "Sequence":
      return [...definitions(doc.left), ...definitions(doc.right)]
    case "Enumeration":
      return doc.elements.flatMap(definitions)
    case "Empty":
    case "Header":
    case "Paragraph":
      return []
  }
}
