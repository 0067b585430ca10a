;;; One session of Emacs with eglot, in batch mode: what a user would see, as JSON.  -*- lexical-binding: t -*-
;;
;;   emacs --batch -l eglot-session.el FILE CONFIGURATION > seen.json
;;
;; CONFIGURATION is what a user would have in init.el; it makes eglot start the server.

(require 'package)
(setq package-directory-list '("/usr/share/emacs/site-lisp/elpa"))
(package-initialize)
(require 'eglot)
(require 'json)

(defvar session-told nil)
(advice-add 'message :before
            (lambda (&rest arguments)
              (when (car arguments) (push (apply #'format arguments) session-told))))

(defun session-wait (seconds done)
  "Let the server speak until DONE says so, at most SECONDS."
  (let ((end (+ (float-time) seconds)) found)
    (while (and (not (setq found (funcall done))) (< (float-time) end))
      (accept-process-output nil 0.05)
      (sit-for 0.01))
    found))

(defun session-actions (server)
  "Titles of the code actions at point."
  (mapcar (lambda (action) (plist-get action :title))
          (jsonrpc-request server :textDocument/codeAction
                           (list :textDocument (eglot--TextDocumentIdentifier)
                                 :range (list :start (eglot--pos-to-lsp-position)
                                              :end (eglot--pos-to-lsp-position))
                                 :context '(:diagnostics [])))))

(defun session (file configuration)
  (setq eglot-sync-connect 60
        eglot-confirm-server-initiated-edits nil)
  (load configuration nil t t)
  (find-file file)
  (run-hooks 'post-command-hook)
  (let* ((server (eglot-current-server)) diagnostics)
    (flymake-mode 1)
    (session-wait 20 (lambda () eglot--current-flymake-report-fn))
    (flymake-start)
    (session-wait 20 (lambda () (setq diagnostics (flymake-diagnostics))))
    (goto-char (point-min))
    (search-forward "people")
    (let* ((hover (jsonrpc-request server :textDocument/hover (eglot--TextDocumentPositionParams)))
           (actions (session-actions server))
           (answer (jsonrpc-request
                    server :workspace/executeCommand
                    (list :command "reqon.server.run"
                          :arguments (vector (list :uri (eglot--path-to-uri buffer-file-name)
                                                   :mission "Sync")))
                    :timeout 40)))
      (session-wait 40 (lambda () (seq-find (lambda (said) (string-match-p "Sync: " said))
                                            session-told)))
      (princ (json-encode
              (list :diagnostics (vconcat (mapcar #'flymake-diagnostic-text diagnostics))
                    :hover (plist-get (plist-get hover :contents) :value)
                    :actions (vconcat actions)
                    :execution (plist-get answer :executionId)
                    :told (vconcat (seq-filter (lambda (said) (string-match-p "Sync: " said))
                                               session-told)))))
      (eglot-shutdown server nil 5))))

(session (car command-line-args-left) (cadr command-line-args-left))
(setq command-line-args-left nil)
(kill-emacs 0)
