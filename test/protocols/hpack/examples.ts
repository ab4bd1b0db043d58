// The examples of RFC 7541 appendix C: blocks in hex, the fields that they stand for, and the octets in the table after.

export interface Example {
  readonly name: string
  /** The size of the table, octets. */
  readonly table: number
  readonly blocks: readonly { readonly hex: string; readonly fields: readonly string[]; readonly octets: number }[]
}

const FIRST = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com']
const SECOND = [...FIRST, 'cache-control', 'no-cache']
const THIRD = [
  ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
  ...['custom-key', 'custom-value'],
]
const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT'
const LATER = 'Mon, 21 Oct 2013 20:13:22 GMT'
const PLACE = ['location', 'https://www.example.com']
const FOUND = [':status', '302', 'cache-control', 'private', 'date', DATE, ...PLACE]
const AGAIN = [':status', '307', 'cache-control', 'private', 'date', DATE, ...PLACE]
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'
const OK = [
  ...[':status', '200', 'cache-control', 'private', 'date', LATER, ...PLACE],
  ...['content-encoding', 'gzip', 'set-cookie', COOKIE],
]

export const EXAMPLES: readonly Example[] = [
  {
    name: 'C.2: literals and an indexed field',
    table: 4_096,
    blocks: [
      {
        hex: '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
        fields: ['custom-key', 'custom-header'],
        octets: 55,
      },
      { hex: '040c2f73616d706c652f70617468', fields: [':path', '/sample/path'], octets: 55 },
      { hex: '100870617373776f726406736563726574', fields: ['password', 'secret'], octets: 55 },
      { hex: '82', fields: [':method', 'GET'], octets: 55 },
    ],
  },
  {
    name: 'C.3: requests without Huffman',
    table: 4_096,
    blocks: [
      { hex: '828684410f7777772e6578616d706c652e636f6d', fields: FIRST, octets: 57 },
      { hex: '828684be58086e6f2d6361636865', fields: SECOND, octets: 110 },
      { hex: '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', fields: THIRD, octets: 164 },
    ],
  },
  {
    name: 'C.4: requests with Huffman',
    table: 4_096,
    blocks: [
      { hex: '828684418cf1e3c2e5f23a6ba0ab90f4ff', fields: FIRST, octets: 57 },
      { hex: '828684be5886a8eb10649cbf', fields: SECOND, octets: 110 },
      { hex: '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', fields: THIRD, octets: 164 },
    ],
  },
  {
    name: 'C.5: responses without Huffman, in a table of 256 octets',
    table: 256,
    blocks: [
      {
        hex: '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        fields: FOUND,
        octets: 222,
      },
      { hex: '4803333037c1c0bf', fields: AGAIN, octets: 222 },
      {
        hex: '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
        fields: OK,
        octets: 215,
      },
    ],
  },
  {
    name: 'C.6: responses with Huffman, in a table of 256 octets',
    table: 256,
    blocks: [
      {
        hex: '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        fields: FOUND,
        octets: 222,
      },
      { hex: '4883640effc1c0bf', fields: AGAIN, octets: 222 },
      {
        hex: '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        fields: OK,
        octets: 215,
      },
    ],
  },
]
