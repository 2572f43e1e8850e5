/**
 * `node dist/core/testing/checkers/main.js history.jsonl --check replay,register`: judges a recorded history. Ends with 0 if
 * it is legal, with 1 and what shows it if it is not, and with 2 if nobody can tell.
 */
import { judgeFile } from './judge-file.js';

process.exitCode = judgeFile(process.argv.slice(2), (text) => process.stdout.write(text));
