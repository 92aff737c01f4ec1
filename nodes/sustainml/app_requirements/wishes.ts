/** The requirements without a value: `privacy`, `on_device`, `explainability`, `real_time`, each by the phrases that ask for it. */
import type { Sentence } from './text.js';
import { isNegated } from './text.js';

export type Wish = 'privacy' | 'on_device' | 'explainability' | 'real_time';

export interface WishReading {
  wish: Wish;
  field: string;
  phrase: string;
  /** The words around the phrase take it back; it asks for nothing. */
  negated: boolean;
}

interface Pattern {
  wish: Wish;
  pattern: RegExp;
  /** The pattern holds its own negation ("no cloud"): another one before it does not count. */
  holdsNegation?: boolean;
}

const BOARD = String.raw`(?:micro-?controllers?|mcus?|raspberry pis?|jetson(?: nano| orin| xavier)?|arduinos?|esp32|coral (?:board|stick|dev board)|cortex-m\d*)`;
const CARRIER = `(?:smart ?phones?|phones?|handsets?|tablets?|(?:smart ?)?watch(?:es)?|drones?|robots?|cameras?|boards?|gateways?|glasses|vehicles?|tractors?|collars?|hearing aids?|headsets?|earbuds|plc|machine itself|sensor(?: node)?s?|speakers?|laptops?|scanners?)`;
const DATA = `(?:data|images?|pictures?|photos?|recordings?|audio|video|footage|voices?|documents?|files?|records?|texts?|information|nothing|notes?|scans?|conversations?|emails?|letters?|contracts?|it|they|speech|sound)`;

const PATTERNS: readonly Pattern[] = [
  { wish: 'real_time', pattern: /\b(?:near[- ])?real[\s-]?time\b/gi },
  {
    wish: 'real_time',
    pattern: /\b(?:instant(?:ly|aneous(?:ly)?)?|immediately|on the fly|as it happens)\b/gi,
  },
  {
    wish: 'real_time',
    pattern:
      /\blive (?:video|streams?|feeds?|cameras?|audio|captions?|captioning|subtitles?|transcripts?|transcription|translation)\b/gi,
  },

  {
    wish: 'on_device',
    pattern:
      /(?<!depend(?:s|ing)? )\bon[- ](?:the |a |an |each |every |our |its |that |this )?(?:[\w-]+ )?devices?\b/gi,
  },
  {
    wish: 'on_device',
    pattern: new RegExp(
      String.raw`\b(?:run|runs|running|work|works|working|process\w*|comput\w*|execut\w*|inference|deploy\w*|fits?|happens?) (?:[\w-]+ ){0,4}?(?:on|in|inside) (?:the |a |an |each |our |its |their |my |your )?(?:[\w-]+ )?${CARRIER}\b`,
      'gi',
    ),
  },
  { wish: 'on_device', pattern: new RegExp(String.raw`\b${BOARD}\b`, 'gi') },
  {
    wish: 'on_device',
    pattern:
      /\bedge[- ](?:devices?|box(?:es)?|computers?|computing|gateways?|nodes?|ai|hardware|server)\b|\b(?:at|on) the edge\b(?! of\b)|\btiny ?ml\b/gi,
  },
  {
    wish: 'on_device',
    pattern:
      /\bembedded (?:devices?|systems?|boards?|hardware|controllers?|computers?|cpus?|linux|processors?)\b/gi,
  },
  {
    wish: 'on_device',
    pattern:
      /\boffline\b(?! (?:batch|analys\w*|evaluation|training|stud\w*|stores?|retail\w*|sales|shops?))/gi,
  },
  {
    wish: 'on_device',
    pattern:
      /\b(?:run|runs|running|process\w*|comput\w*|execut\w*|works?|inference|deployed|stays?) (?:[\w-]+ ){0,3}?locally\b|\blocally on\b/gi,
  },
  {
    wish: 'on_device',
    holdsNegation: true,
    pattern:
      /\b(?:no|without(?: an?| any| the)?|not (?:use|using|rely(?:ing)? on|depend(?:ing)? on|need|require|go(?:ing)? to|go(?:ing)? through)(?: the| an?| any)?|never (?:use|go to|touch)(?: the)?|avoid(?:ing)?(?: the)?|outside(?: the)?|poor|patchy|unreliable) (?:(?:reliable|stable|mobile|external|remote|public|data|cell|cellular|phone|internet|network|third-party|\w+'s) )?(?:cloud|internet|network|connectivity|connection|wi-?fi|signal|coverage|reception|server)\b/gi,
  },
  {
    wish: 'on_device',
    holdsNegation: true,
    pattern:
      /\b(?:not|never|cannot|can't) (?:be )?(?:sen[dt]|upload(?:ed)?|transmit(?:ted)?|stream(?:ed)?)\b[^.;,]{0,30}\b(?:cloud|servers?|internet)\b/gi,
  },
  {
    wish: 'on_device',
    holdsNegation: true,
    pattern: new RegExp(
      String.raw`\b(?:(?:not|never|cannot|can't)(?: be)?(?: allowed to)? leave|never leaves|(?:stays?|remains?|kept) on) (?:the |its |their |his |your |our )?(?:[\w-]+ )?(?:devices?|${CARRIER})\b`,
      'gi',
    ),
  },

  {
    wish: 'on_device',
    holdsNegation: true,
    pattern:
      /\bcloud\b[^.;,]{0,25}?\b(?:(?:is|are)(?: not|n't) (?:allowed|permitted|possible|an option|available)|forbidden|prohibited|ruled out|impossible)\b/gi,
  },

  {
    wish: 'privacy',
    holdsNegation: true,
    pattern:
      /\b(?:not|never|cannot|can't|mustn't) (?:be )?(?:share|upload|send|give|transmit|show)(?:ed|n)?\b[^.;]{0,30}?\b(?:third part(?:y|ies)|outside|outsiders|external|other compan(?:y|ies)|anybody|anyone)\b/gi,
  },
  {
    wish: 'privacy',
    pattern: /\b(?:stays?|remains?|kept|process(?:ed|ing)?|hosted|handled) (?:[\w-]+ )?in[- ]house\b/gi,
  },
  {
    wish: 'privacy',
    pattern:
      /\b(?:gdpr|rgpd|dsgvo|hipaa|ccpa|data protection|privacy|confidential(?:ity|ly)?|anonymi[sz]\w*)\b/gi,
  },
  {
    wish: 'privacy',
    pattern:
      /\bprivate(?:ly)?\b(?! (?:compan|equity|sector|customer|school|label|hospital|clinic|road|house|hire|client|individual|bank|practice|garden|network|investor|health|car|jet|owner|use\b|key))/gi,
  },
  {
    wish: 'privacy',
    pattern: /\b(?:sensitive|personal(?:ly identifiable)?) (?:\w+ )?(?:data|information|details)\b/gi,
  },
  { wish: 'privacy', pattern: /\bon[- ]prem(?:ises?)?\b/gi },
  {
    wish: 'privacy',
    holdsNegation: true,
    pattern:
      /\b(?:must|may|can|should|shall|is|are)(?: ?not|n't| never)(?: be)?(?: allowed to| permitted to)? leave\b|\bmust stay (?:here|inside)\b/gi,
  },
  {
    wish: 'privacy',
    holdsNegation: true,
    pattern: new RegExp(
      String.raw`\b${DATA}\b[^.;]{0,40}?\b(?:(?:not|never|cannot|can't|mustn't|don't|doesn't)(?: be| ever)?(?: allowed to)? (?:leaves?|shared?|uploaded|sent|stored)|nothing (?:may |can |must |should )?leaves?)\b`,
      'gi',
    ),
  },
  {
    wish: 'privacy',
    holdsNegation: true,
    pattern: /\bnothing (?:may |can |must |should |ever )?leaves?\b/gi,
  },
  {
    wish: 'privacy',
    pattern:
      /\b(?:stays?|staying|remains?|kept|keep) (?:[\w-]+ ){0,3}?(?:on|in|inside|within) (?:the |our |its |their )?(?:premises|building|hospital|site|company|house|device|phone|clinic|plant|country|eu|eea|factory|room|home|office|practice|bank|intranet)\b/gi,
  },

  {
    wish: 'explainability',
    pattern: /\b(?:un)?explain(?:s|ed|ing|able|ability)?\b|\bexplanations?\b|\binterpretab(?:le|ility)\b/gi,
  },
  {
    wish: 'explainability',
    pattern:
      /\b(?:understand|know|see|show|say|tell|learn|justify|ask)s?(?: (?:us|them|me|him|her|people|(?:the|a|our|each) [\w-]+))? why\b/gi,
  },
  {
    wish: 'explainability',
    pattern:
      /\breasons? (?:for|behind|of) (?:the|each|every|its|a|any|all) (?:[\w-]+ )?(?:decisions?|predictions?|scores?|rejections?|refusals?|results?|classifications?|alarms?|outcomes?)\b/gi,
  },
  {
    wish: 'explainability',
    pattern:
      /\bjustif(?:y|ies|ied|iable|ication)\b|\bauditable\b|\bauditability\b|\b(?:decision|model|algorithm\w*) transparency\b|\btransparent (?:model|decision|reasoning|algorithm|rules?)s?\b/gi,
  },
  {
    wish: 'explainability',
    holdsNegation: true,
    pattern: /\b(?:not|no|never)(?: be)?(?: an?)? black[- ]box(?:es)?\b/gi,
  },
  {
    wish: 'explainability',
    pattern:
      /\bfeature importances?\b|\bwhich (?:features|factors|variables|columns|inputs|words|attributes) (?:drove|drive|led|mattered|matter|contributed|contribute|influenced?|decided)\b/gi,
  },
];

/** Every phrase of one sentence that asks for such a requirement, or takes one back. */
export function wishesIn(sentence: Sentence): WishReading[] {
  const { field, text } = sentence;
  return PATTERNS.flatMap(({ wish, pattern, holdsNegation }) =>
    [...text.matchAll(pattern)].map((match) => ({
      wish,
      field,
      phrase: match[0].trim(),
      negated: holdsNegation !== true && isNegated(text, match.index, match.index + match[0].length),
    })),
  );
}
