// SPDX-License-Identifier: Apache-2.0
import { foreign, type ForeignConversation } from './foreign-conversation.js';

/** A line of git's pack protocol: its length, with itself, in four hexadecimal digits. */
function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text;
}

/** A message of syslog behind its octet count (RFC 6587, 3.4.1). */
function syslog(text: string): string {
  return `${text.length} ${text}`;
}

/** Protocols of lines of text. */
export const textProtocols: readonly ForeignConversation[] = [
  // RFC 5321
  foreign('smtp', 25, [
    ['server', '220 mail.example.com ESMTP ready\r\n'],
    ['client', 'EHLO client.example.org\r\n'],
    ['server', '250-mail.example.com\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n'],
    ['client', 'MAIL FROM:<a@example.org>\r\n'],
    ['server', '250 2.1.0 Ok\r\n'],
    ['client', 'RCPT TO:<b@example.com>\r\n'],
    ['server', '250 2.1.5 Ok\r\n'],
    ['client', 'DATA\r\n'],
    ['server', '354 End data with <CR><LF>.<CR><LF>\r\n'],
    ['client', 'Subject: GET / HTTP/1.1\r\n\r\nHello.\r\n.\r\n'],
    ['server', '250 2.0.0 Ok: queued as 12345\r\n'],
    ['client', 'QUIT\r\n'],
    ['server', '221 2.0.0 Bye\r\n'],
  ]),
  // RFC 959
  foreign('ftp', 21, [
    ['server', '220 FTP server ready\r\n'],
    ['client', 'USER anonymous\r\n'],
    ['server', '331 Please specify the password.\r\n'],
    ['client', 'PASS a@example.org\r\n'],
    ['server', '230 Login successful.\r\n'],
    ['client', 'SYST\r\n'],
    ['server', '215 UNIX Type: L8\r\n'],
    ['client', 'PASV\r\n'],
    ['server', '227 Entering Passive Mode (192,0,2,1,200,13).\r\n'],
    ['client', 'RETR /pub/file\r\n'],
    ['server', '150 Opening BINARY mode data connection.\r\n'],
  ]),
  // RFC 1939
  foreign('pop3', 110, [
    ['server', '+OK POP3 server ready\r\n'],
    ['client', 'USER a\r\n'],
    ['server', '+OK\r\n'],
    ['client', 'PASS b\r\n'],
    ['server', '+OK 2 messages (320 octets)\r\n'],
    ['client', 'LIST\r\n'],
    ['server', '+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n'],
  ]),
  // RFC 9051
  foreign('imap', 143, [
    ['server', '* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n'],
    ['client', 'a001 LOGIN a b\r\n'],
    ['server', 'a001 OK LOGIN completed\r\n'],
    ['client', 'a002 SELECT INBOX\r\n'],
    ['server', '* 18 EXISTS\r\n* FLAGS (\\Answered \\Seen)\r\na002 OK [READ-WRITE] done\r\n'],
  ]),
  // Redis serialization protocol, versions 2 and 3
  foreign('redis', 6379, [
    ['client', '*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n'],
    ['server', '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n'],
    ['client', '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$14\r\nGET / HTTP/1.1\r\n'],
    ['server', '+OK\r\n'],
    ['client', '*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n'],
    ['server', '$14\r\nGET / HTTP/1.1\r\n+PONG\r\n'],
    ['client', '*2\r\n$4\r\nINCR\r\n$3\r\nkey\r\n'],
    ['server', '-ERR value is not an integer or out of range\r\n'],
  ]),
  foreign('redis inline', 6379, [
    ['client', 'PING\r\n'],
    ['server', '+PONG\r\n'],
    ['client', 'GET key\r\n'],
    ['server', '$-1\r\n'],
  ]),
  // https://github.com/memcached/memcached/blob/master/doc/protocol.txt
  foreign('memcached text', 11211, [
    ['client', 'version\r\n'],
    ['server', 'VERSION 1.6.18\r\n'],
    ['client', 'set greeting 0 60 5\r\nhello\r\n'],
    ['server', 'STORED\r\n'],
    ['client', 'get greeting\r\n'],
    ['server', 'VALUE greeting 0 5\r\nhello\r\nEND\r\n'],
    ['client', 'incr counter 1\r\n'],
    ['server', 'NOT_FOUND\r\n'],
  ]),
  // https://docs.nats.io/reference/reference-protocols/nats-protocol
  foreign('nats', 4222, [
    [
      'server',
      'INFO {"server_id":"N1","version":"2.9.10","proto":1,"host":"0.0.0.0","port":4222,"headers":true,"max_payload":1048576}\r\n',
    ],
    ['client', 'CONNECT {"verbose":false,"pedantic":false,"lang":"go"}\r\nPING\r\n'],
    ['server', 'PONG\r\n'],
    ['client', 'SUB orders.* 1\r\nPUB orders.new 5\r\nhello\r\n'],
    ['server', 'MSG orders.new 1 5\r\nhello\r\n'],
  ]),
  // STOMP 1.2
  foreign('stomp', 61613, [
    ['client', 'CONNECT\naccept-version:1.2\nhost:example.com\nlogin:a\npasscode:b\n\n\0'],
    ['server', 'CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0'],
    ['client', 'SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello\0'],
    ['client', 'SUBSCRIBE\nid:0\ndestination:/queue/a\nack:auto\n\n\0'],
    ['server', 'MESSAGE\nsubscription:0\nmessage-id:1\ndestination:/queue/a\n\nhello\0'],
  ]),
  // RFC 2812
  foreign('irc', 6667, [
    ['client', 'NICK a\r\nUSER a 0 * :A\r\n'],
    ['server', ':irc.example.com 001 a :Welcome\r\n'],
    ['client', 'JOIN #b\r\n'],
    ['server', ':a!a@192.0.2.2 JOIN #b\r\n'],
    ['server', 'PING :irc.example.com\r\n'],
    ['client', 'PONG :irc.example.com\r\n'],
  ]),
  // RFC 2326
  foreign('rtsp', 554, [
    ['client', 'OPTIONS rtsp://example.com/media RTSP/1.0\r\nCSeq: 1\r\n\r\n'],
    ['server', 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n'],
    ['client', 'DESCRIBE rtsp://example.com/media RTSP/1.0\r\nCSeq: 2\r\n\r\n'],
    ['server', 'RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\nv=0\n'],
  ]),
  // RFC 3261
  foreign('sip', 5060, [
    [
      'client',
      'OPTIONS sip:carol@example.com SIP/2.0\r\nVia: SIP/2.0/TCP pc.example.org;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nCall-ID: a84b4c76e66710\r\nCSeq: 63104 OPTIONS\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'server',
      'SIP/2.0 200 OK\r\nCall-ID: a84b4c76e66710\r\nCSeq: 63104 OPTIONS\r\nContent-Length: 0\r\n\r\n',
    ],
    ['client', 'REGISTER sip:example.com SIP/2.0\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n'],
    ['server', 'SIP/2.0 401 Unauthorized\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n'],
  ]),
  // RFC 6120
  foreign('xmpp', 5222, [
    [
      'client',
      "<?xml version='1.0'?><stream:stream to='example.com' version='1.0' xmlns='jabber:client'>",
    ],
    [
      'server',
      "<?xml version='1.0'?><stream:stream from='example.com' id='1' version='1.0'><stream:features/>",
    ],
    ['client', "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"],
    ['server', "<iq type='result' id='1'/>"],
  ]),
  // beanstalkd's protocol.txt
  foreign('beanstalk', 11300, [
    ['client', 'use orders\r\n'],
    ['server', 'USING orders\r\n'],
    ['client', 'put 0 0 60 5\r\nhello\r\n'],
    ['server', 'INSERTED 1\r\n'],
    ['client', 'reserve\r\n'],
    ['server', 'RESERVED 1 5\r\nhello\r\n'],
  ]),
  // git's pack protocol
  foreign('git', 9418, [
    ['client', packet('git-upload-pack /project.git\0host=example.com\0')],
    ['server', `${packet('7217a7c7e582c46cec22a130adf4b9d7d950fba0 refs/heads/main\0 x\n')}0000`],
    [
      'client',
      `${packet('want 7217a7c7e582c46cec22a130adf4b9d7d950fba0\n')}0000${packet('done\n')}`,
    ],
    ['server', `${packet('NAK\n')}PACK\0\0\0\x02\0\0\0\x03`],
  ]),
  // RFC 5424, with the octet counts of RFC 6587
  foreign('syslog', 601, [
    ['client', syslog('<34>1 2026-01-01T00:00:00Z host su - ID47 - su root failed')],
    ['client', syslog('<13>1 2026-01-01T00:00:01Z host app 12 - - started')],
  ]),
  // https://graphite.readthedocs.io/en/latest/feeding-carbon.html
  foreign('graphite', 2003, [
    ['client', 'servers.web1.load 0.75 1767225600\nservers.web2.load 1.25 1767225600\n'],
    ['client', 'servers.web1.load 0.80 1767225660\n'],
  ]),
];
