;; Puts a wasm together from its text. `wasm-text.mjs` says how the text was made,
;; and has the globals that are not defined here: constants of the one text.
(module
  (memory (export "memory") $pages)

  ;; Where each row goes on: an address for each.
  (data (i32.const 0) "$starts")

  ;; Gives the wasm's address.
  (func (export "unpack") (result i32)
    (local $at i32)
    (local $start i32)
    (local $end i32)
    (local $kind i32)
    (local $row i32)
    (drop
      (call $copy (global.get $kindsRow) (global.get $kinds) (global.get $kindsEnd)))
    (local.set $start
      (local.tee $at (call $copy (global.get $headRow) (global.get $out) (global.get $headEnd))))
    (loop $symbols
      ;; Its lowest byte tells the row that the symbol draws from, and how many bytes of its own follow.
      (local.set $kind
        (i32.load
          (i32.add
            (global.get $kinds)
            (i32.shl (call $next (global.get $symbolsRow)) (i32.const 2)))))
      (i32.store (local.get $at) (i32.shr_u (local.get $kind) (i32.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.and (local.get $kind) (i32.const 3))))
      (local.set $row (i32.and (local.get $kind) (i32.const 252)))
      (if (local.get $row)
        (then
          (if (i32.ne (local.get $row) (global.get $endOfFunction))
            (then
              (loop $operand
                (i32.store8 (local.get $at) (local.tee $kind (call $next (local.get $row))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $operand (i32.gt_u (local.get $kind) (i32.const 127)))))
            (else
              ;; Its size, seven bits in a byte, goes before it.
              (local.set $kind (i32.sub (local.get $at) (local.get $start)))
              (local.set $end
                (i32.add
                  (i32.add (local.get $start) (i32.const 1))
                  (i32.add
                    (i32.gt_u (local.get $kind) (i32.const 127))
                    (i32.gt_u (local.get $kind) (i32.const 16383)))))
              (memory.copy (local.get $end) (local.get $start) (local.get $kind))
              (local.set $at (i32.add (local.get $end) (local.get $kind)))
              (loop $size
                (i32.store8
                  (local.get $start)
                  (i32.or
                    (i32.and (local.get $kind) (i32.const 127))
                    (i32.shl (i32.gt_u (local.get $kind) (i32.const 127)) (i32.const 7))))
                (local.set $start (i32.add (local.get $start) (i32.const 1)))
                (br_if $size (local.tee $kind (i32.shr_u (local.get $kind) (i32.const 7)))))
              (local.set $start (local.get $at))))))
      (br_if $symbols
        (i32.ne (i32.load (global.get $symbolsRow)) (global.get $symbolsEnd))))
    (drop (call $copy (global.get $tailRow) (local.get $at) (global.get $outEnd)))
    (global.get $out))

  ;; Copies the next numbers of a row to these addresses; gives the one behind them.
  (func $copy (param $row i32) (param $at i32) (param $end i32) (result i32)
    (loop $numbers
      (i32.store8 (local.get $at) (call $next (local.get $row)))
      (br_if $numbers
        (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
    (local.get $end))

  ;; The next number of a row.
  (func $next (param $row i32) (result i32)
    (local $place i32)
    (if (result i32)
      (i32.gt_u (local.tee $place (call $place (local.get $row))) (i32.const 1))
      (then (i32.sub (local.get $place) (i32.const 2)))
      (else
        (i32.add
          (i32.add (global.get $single) (i32.mul (local.get $place) (global.get $base)))
          (call $place (local.get $row))))))

  ;; The place of a row's next character in the alphabet.
  (func $place (param $row i32) (result i32)
    (local $at i32)
    (local $character i32)
    (local.set $character (i32.load8_u (local.tee $at (i32.load (local.get $row)))))
    (i32.store (local.get $row) (i32.add (local.get $at) (i32.const 1)))
    ;; It begins with the space, and leaves out " $ < \ `
    (i32.sub
      (local.get $character)
      (i32.add
        (i32.add
          (i32.add (i32.const 32) (i32.gt_u (local.get $character) (i32.const 34)))
          (i32.gt_u (local.get $character) (i32.const 36)))
        (i32.add
          (i32.gt_u (local.get $character) (i32.const 60))
          (i32.add
            (i32.gt_u (local.get $character) (i32.const 92))
            (i32.gt_u (local.get $character) (i32.const 96)))))))
)
