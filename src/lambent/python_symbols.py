"""Names of Python's C API that not every version exports, read from the interpreters themselves (3.10 to 3.13).

The import of an extension fails ("undefined symbol") if it needs one that the runtime's Python lacks. Of added names only the
public ones are listed, since patch releases add private ones.
"""

from __future__ import annotations

SINCE: dict[tuple[int, int], frozenset[bytes]] = {
    (3, 11): frozenset(
        b"""
        PyCode_Addr2Location PyCode_GetCellvars PyCode_GetCode PyCode_GetFreevars PyCode_GetVarnames
        PyErr_GetHandledException PyErr_SetHandledException PyExc_BaseExceptionGroup PyFloat_Pack2 PyFloat_Pack4
        PyFloat_Pack8 PyFloat_Unpack2 PyFloat_Unpack4 PyFloat_Unpack8 PyFrame_GetBuiltins PyFrame_GetGenerator
        PyFrame_GetGlobals PyFrame_GetLasti PyFrame_GetLocals PyObject_CallOneArg PyObject_Vectorcall
        PyStructSequence_UnnamedField PyThreadState_EnterTracing PyThreadState_LeaveTracing PyType_GetModuleByDef
        PyType_GetName PyType_GetQualName PyType_SUPPORTS_WEAKREFS PyVectorcall_Function Py_GETENV Py_Version
        """.split()
    ),
    (3, 12): frozenset(
        b"""
        PyCode_AddWatcher PyCode_ClearWatcher PyDict_AddWatcher PyDict_ClearWatcher PyDict_Unwatch PyDict_Watch
        PyErr_DisplayException PyErr_GetRaisedException PyErr_SetRaisedException PyEval_SetProfileAllThreads
        PyEval_SetTraceAllThreads PyException_GetArgs PyException_SetArgs PyFrame_GetVar PyFrame_GetVarString
        PyFunction_AddWatcher PyFunction_ClearWatcher PyFunction_SetVectorcall PyGen_GetCode PyObject_GetItemData
        PyObject_GetTypeData PyType_AddWatcher PyType_ClearWatcher PyType_FromMetaclass PyType_GetDict
        PyType_GetTypeDataSize PyType_Unwatch PyType_Watch PyUnstable_Code_GetExtra PyUnstable_Code_New
        PyUnstable_Code_NewWithPosOnlyArgs PyUnstable_Code_SetExtra PyUnstable_Eval_RequestCodeExtraIndex
        PyUnstable_Exc_PrepReraiseStar PyUnstable_GC_VisitObjects PyUnstable_InterpreterFrame_GetCode
        PyUnstable_InterpreterFrame_GetLasti PyUnstable_InterpreterFrame_GetLine PyUnstable_Long_CompactValue
        PyUnstable_Long_IsCompact PyUnstable_Object_GC_NewWithExtraData PyUnstable_PerfMapState_Fini
        PyUnstable_PerfMapState_Init PyUnstable_Type_AssignVersionTag PyUnstable_WritePerfMapEntry PyVectorcall_NARGS
        Py_NewInterpreterFromConfig
        """.split()
    ),
    (3, 13): frozenset(
        b"""
        PyCriticalSection2_Begin PyCriticalSection2_End PyCriticalSection_Begin PyCriticalSection_End
        PyDict_ContainsString PyDict_GetItemRef PyDict_GetItemStringRef PyDict_Pop PyDict_PopString PyDict_SetDefaultRef
        PyErr_FormatUnraisable PyEval_GetFrameBuiltins PyEval_GetFrameGlobals PyEval_GetFrameLocals PyEvent_Wait
        PyEvent_WaitTimed PyExc_InterpreterError PyExc_InterpreterNotFoundError PyExc_PythonFinalizationError
        PyFrameLocalsProxy_Type PyImport_AddModuleRef PyList_Clear PyList_Extend PyList_GetItemRef PyLong_AsInt
        PyLong_AsNativeBytes PyLong_FromNativeBytes PyLong_FromUnsignedNativeBytes PyMapping_GetOptionalItem
        PyMapping_GetOptionalItemString PyMapping_HasKeyStringWithError PyMapping_HasKeyWithError PyModule_Add
        PyMonitoring_EnterScope PyMonitoring_ExitScope PyMutex_Lock PyMutex_Unlock PyObject_ClearManagedDict
        PyObject_DelAttr PyObject_DelAttrString PyObject_GenericHash PyObject_GetOptionalAttr
        PyObject_GetOptionalAttrString PyObject_HasAttrStringWithError PyObject_HasAttrWithError
        PyObject_VisitManagedDict PyRefTracer_GetTracer PyRefTracer_SetTracer PySignal_SetWakeupFd PySys_AuditTuple
        PyThreadState_GetUnchecked PyThread_ParseTimeoutArg PyThread_acquire_lock_timed_with_retries
        PyThread_detach_thread PyThread_get_thread_ident_ex PyThread_join_thread PyThread_start_joinable_thread
        PyTime_AsSecondsDouble PyTime_Monotonic PyTime_MonotonicRaw PyTime_PerfCounter PyTime_PerfCounterRaw PyTime_Time
        PyTime_TimeRaw PyType_GetFullyQualifiedName PyType_GetModuleName PyUnicode_EqualToUTF8
        PyUnicode_EqualToUTF8AndSize PyUnstable_AtExit PyUnstable_CopyPerfMapFile PyUnstable_ExecutableKinds
        PyUnstable_InterpreterState_GetMainModule PyUnstable_Object_ClearWeakRefsNoCallbacks
        PyUnstable_PerfTrampoline_CompileCode PyUnstable_PerfTrampoline_SetPersistAfterFork PyWeakref_GetRef
        Py_GetConstant Py_GetConstantBorrowed Py_HashPointer Py_IsFinalizing
        """.split()
    ),
}
"""The first version that has them."""

UNTIL: dict[tuple[int, int], frozenset[bytes]] = {
    (3, 10): frozenset(
        b"""
        PyFrame_BlockPop PyFrame_BlockSetup PyUnicodeEncodeError_Create PyUnicodeTranslateError_Create PyUnicode_Encode
        PyUnicode_EncodeASCII PyUnicode_EncodeCharmap PyUnicode_EncodeDecimal PyUnicode_EncodeLatin1
        PyUnicode_EncodeRawUnicodeEscape PyUnicode_EncodeUTF16 PyUnicode_EncodeUTF32 PyUnicode_EncodeUTF7
        PyUnicode_EncodeUTF8 PyUnicode_EncodeUnicodeEscape PyUnicode_TransformDecimalToASCII PyUnicode_TranslateCharmap
        _PyComplex_FormatAdvancedWriter _PyEval_CallTracing _PyEval_GetAsyncGenFinalizer _PyEval_GetAsyncGenFirstiter
        _PyEval_GetCoroutineOriginTrackingDepth _PyEval_SetAsyncGenFinalizer _PyEval_SetAsyncGenFirstiter
        _PyEval_SetCoroutineOriginTrackingDepth _PyFloat_Pack2 _PyFloat_Pack4 _PyFloat_Pack8 _PyFloat_Unpack2
        _PyFloat_Unpack4 _PyFloat_Unpack8 _PyHamtItems_Type _PyHamtKeys_Type _PyHamtValues_Type _PyHamt_ArrayNode_Type
        _PyHamt_BitmapNode_Type _PyHamt_CollisionNode_Type _PyHamt_Type _PyImport_FindExtensionObject
        _PyObject_GC_Calloc _PyObject_GC_Malloc _PySys_GetObjectId _PySys_SetObjectId _PyTime_AsTimeval_noraise
        _PyTrash_deposit_object _PyTrash_destroy_chain _PyType_GetModuleByDef _Py_abspath _Py_get_387controlword
        _Py_isabs _Py_path_config _Py_set_387controlword
        """.split()
    ),
    (3, 11): frozenset(
        b"""
        PyCode_New PyCode_NewWithPosOnlyArgs PyToken_OneChar PyToken_ThreeChars PyToken_TwoChars PyUnicode_AsUnicode
        PyUnicode_AsUnicodeAndSize PyUnicode_FromUnicode _PyAccu_Accumulate _PyAccu_Destroy _PyAccu_Finish
        _PyAccu_FinishAsList _PyAccu_Init _PyBytesIOBuffer_Type _PyCode_GetExtra _PyCode_SetExtra _PyErr_TrySetFromCause
        _PyEval_RequestCodeExtraIndex _PyStructSequence_InitType _PyThreadState_SetCurrent _PyUnicode_AsUnicode
        _PyUnicode_Ready _Py_FatalError_TstateNULL _Py_GetAllocatedBlocks _Py_NewInterpreter _Py_PackageContext
        _Py_UnhandledKeyboardInterrupt _Py_dg_infinity _Py_dg_stdnan _Py_tracemalloc_config
        """.split()
    ),
    (3, 12): frozenset(
        b"""
        PySymtable_Lookup Py_SetStandardStreamEncoding _PyArg_NoKwnames _PyArg_ParseStackAndKeywords_SizeT
        _PyArg_ParseStack_SizeT _PyArg_ParseTupleAndKeywordsFast_SizeT _PyArg_UnpackStack
        _PyArg_VaParseTupleAndKeywordsFast _PyArg_VaParseTupleAndKeywordsFast_SizeT _PyArgv_AsWstrList
        _PyAsyncGenAThrow_Type _PyAsyncGenWrappedValue_Type _PyBufferWrapper_Type _PyBytes_FormatEx _PyBytes_FromHex
        _PyCode_New _PyCode_Validate _PyCodecInfo_GetIncrementalDecoder _PyCodecInfo_GetIncrementalEncoder
        _PyCodec_DecodeText _PyCodec_EncodeText _PyCodec_Lookup _PyCodec_LookupTextEncoding _PyCoroWrapper_Type
        _PyDictView_Intersect _PyDictView_New _PyDict_CheckConsistency _PyDict_ContainsId _PyDict_Contains_KnownHash
        _PyDict_DelItemId _PyDict_GetItemIdWithError _PyDict_GetItemWithError _PyDict_HasOnlyStringKeys
        _PyDict_MaybeUntrack _PyDict_Next _PyDict_SetItemId _PyErr_ChainExceptions _PyErr_ChainStackItem
        _PyErr_CheckSignals _PyErr_CheckSignalsTstate _PyErr_Display _PyErr_DisplayException _PyErr_Fetch
        _PyErr_FormatFromCauseTstate _PyErr_GetExcInfo _PyErr_GetHandledException _PyErr_GetTopmostException
        _PyErr_NoMemory _PyErr_NormalizeException _PyErr_Print _PyErr_Restore _PyErr_SetHandledException _PyErr_SetNone
        _PyErr_SetObject _PyErr_StackItemToExcInfoTuple _PyErr_WriteUnraisableMsg _PyEval_GetBuiltinId
        _PyEval_GetSwitchInterval _PyEval_SetSwitchInterval _PyEval_SetTrace _PyEval_SignalAsyncExc
        _PyEval_SignalReceived _PyExc_CreateExceptionGroup _PyExc_PrepReraiseStar _PyException_AddNote
        _PyFloat_FormatAdvancedWriter _PyFunction_Vectorcall _PyGILState_GetInterpreterStateUnsafe _PyGen_Finalize
        _PyImport_AcquireLock _PyImport_CheckSubinterpIncompatibleExtensionAllowed _PyImport_FixupBuiltin
        _PyImport_FixupExtensionObject _PyImport_GetModuleId _PyImport_IsInitialized _PyImport_ReleaseLock
        _PyImport_SetModuleString _PyInterpreterID_LookUp _PyInterpreterID_New _PyInterpreterID_Type
        _PyInterpreterState_Enable _PyInterpreterState_GetConfig _PyInterpreterState_GetMainModule
        _PyInterpreterState_HasFeature _PyLong_AsInt _PyLong_FormatAdvancedWriter _PyLong_FormatBytesWriter
        _PyLong_FormatWriter _PyLong_FromBytes _PyLong_FromUid _PyManagedBuffer_Type _PyMem_GetAllocatorName
        _PyMem_RawStrdup _PyMem_RawWcsdup _PyMem_SetDefaultAllocator _PyMem_SetupAllocators _PyMethodWrapper_Type
        _PyModuleSpec_IsInitializing _PyModule_Add _PyModule_Clear _PyModule_ClearDict _PyModule_CreateInitialized
        _PyNamespace_Type _PyOS_InterruptOccurred _PyOS_URandom _PyObject_Call _PyObject_CallMethodIdObjArgs
        _PyObject_CallMethodId_SizeT _PyObject_Call_Prepend _PyObject_CheckConsistency _PyObject_ClearManagedDict
        _PyObject_FastCall _PyObject_FastCallDictTstate _PyObject_HasLen _PyObject_IsAbstract _PyObject_LookupAttr
        _PyObject_LookupAttrId _PyObject_LookupSpecialId _PyObject_NextNotImplemented _PyObject_RealIsInstance
        _PyObject_RealIsSubclass _PyObject_SetAttrId _PyObject_VisitManagedDict _PyRun_AnyFileObject
        _PyRun_InteractiveLoopObject _PyRun_SimpleFileObject _PyRuntimeState_Fini _PyRuntimeState_Init
        _PyRuntime_Finalize _PyRuntime_Initialize _PySequence_BytesToCharpArray _PySequence_IterSearch
        _PyThreadState_Bind _PyThreadState_DeleteCurrent _PyThreadState_DeleteExcept _PyThreadState_Swap
        _PyThreadState_UncheckedGet _PyThread_CurrentExceptions _PyThread_at_fork_reinit _PyTime_Add
        _PyTime_AsNanoseconds _PyTime_AsNanosecondsObject _PyTime_AsSecondsDouble _PyTime_FromMicrosecondsClamp
        _PyTime_FromNanoseconds _PyTime_FromNanosecondsObject _PyTime_FromTimespec _PyTime_FromTimeval
        _PyTime_GetMonotonicClock _PyTime_GetMonotonicClockWithInfo _PyTime_GetPerfCounter
        _PyTime_GetPerfCounterWithInfo _PyTime_GetSystemClock _PyTime_GetSystemClockWithInfo _PyTime_MulDiv
        _PyTraceBack_FromFrame _PyTraceBack_Print_Indented _PyTraceMalloc_ClearTraces _PyTraceMalloc_GetMemory
        _PyTraceMalloc_GetObjectTraceback _PyTraceMalloc_GetTracebackLimit _PyTraceMalloc_GetTracedMemory
        _PyTraceMalloc_GetTraces _PyTraceMalloc_Init _PyTraceMalloc_IsTracing _PyTraceMalloc_ResetPeak
        _PyTraceMalloc_Start _PyTraceMalloc_Stop _PyTrash_begin _PyTrash_cond _PyTrash_end _PyTuple_MaybeUntrack
        _PyType_CalculateMetaclass _PyType_CheckConsistency _PyType_GetDocFromInternalDoc
        _PyType_GetTextSignatureFromInternalDoc _PyType_LookupId _PyUnicodeTranslateError_Create
        _PyUnicode_AsASCIIString _PyUnicode_AsLatin1String _PyUnicode_DecodeRawUnicodeEscapeStateful
        _PyUnicode_DecodeUnicodeEscapeStateful _PyUnicode_EQ _PyUnicode_EncodeCharmap _PyUnicode_EncodeUTF7
        _PyUnicode_EqualToASCIIId _PyUnicode_FastCopyCharacters _PyUnicode_FastFill _PyUnicode_FindMaxChar
        _PyUnicode_FormatAdvancedWriter _PyUnicode_FormatLong _PyUnicode_FromASCII _PyUnicode_InsertThousandsGrouping
        _PyUnicode_IsCaseIgnorable _PyUnicode_IsCased _PyUnicode_IsXidContinue _PyUnicode_IsXidStart
        _PyUnicode_ToFoldedFull _PyUnicode_ToLowerFull _PyUnicode_ToTitleFull _PyUnicode_ToUpperFull
        _PyUnicode_WideCharString_Converter _PyUnicode_WideCharString_Opt_Converter _PyUnicode_XStrip
        _PyWeakref_GetWeakrefCount _PyWideStringList_AsList _PyWideStringList_Clear _PyWideStringList_Copy
        _PyWideStringList_Extend _Py_AtExit _Py_ClearArgcArgv _Py_ClearStandardStreamEncoding _Py_CoerceLegacyLocale
        _Py_DecodeUTF8Ex _Py_DecodeUTF8_surrogateescape _Py_DumpASCII _Py_DumpDecimal _Py_DumpExtensionModules
        _Py_DumpHexadecimal _Py_DumpTraceback _Py_DumpTracebackThreads _Py_EncodeLocaleRaw _Py_EncodeUTF8Ex
        _Py_FatalErrorFormat _Py_FdIsInteractive _Py_FreeCharPArray _Py_GetEnv _Py_GetForceASCII _Py_GetLocaleEncoding
        _Py_GetLocaleEncodingObject _Py_GetLocaleconvNumeric _Py_HandleSystemExit _Py_HasFileSystemDefaultEncodeErrors
        _Py_HashPointer _Py_HashPointerRaw _Py_IsCoreInitialized _Py_IsFinalizing _Py_IsLocaleCoercionTarget
        _Py_LegacyLocaleDetected _Py_PreInitializeFromConfig _Py_PreInitializeFromPyArgv _Py_ResetForceASCII
        _Py_SetProgramFullPath _Py_Sigset_Converter _Py_SourceAsString _Py_VaBuildStack _Py_VaBuildStack_SizeT
        _Py_WriteIndent _Py_WriteIndentedMargin _Py_add_one_to_index_C _Py_add_one_to_index_F _Py_device_encoding
        _Py_dg_dtoa _Py_dg_freedtoa _Py_dg_strtod _Py_get_blocking _Py_get_env_flag _Py_get_inheritable _Py_get_xoption
        _Py_gitidentifier _Py_gitversion _Py_parse_inf_or_nan _Py_read _Py_set_blocking _Py_str_to_int _Py_strhex_bytes
        _Py_strhex_with_sep _Py_string_to_number_with_underscores _Py_wfopen _Py_wgetcwd _Py_wreadlink _Py_wrealpath
        """.split()
    ),
}
"""The last version that has them."""

BOUND = frozenset().union(*SINCE.values(), *UNTIL.values())

FREE_THREADED = frozenset((b"_Py_MergeZeroLocalRefcount", b"_Py_DecRefShared", b"_Py_DecRefSharedDebug"))
"""Only extensions for a Python without the global interpreter lock call these."""


def missing(names: tuple[str, ...], python: tuple[int, int]) -> list[str]:
    """Return the names that a version certainly lacks."""
    later = {name for version, some in SINCE.items() if version > python for name in some}
    removed = {name for version, some in UNTIL.items() if version < python for name in some}
    return [name for name in names if name.encode() in later or name.encode() in removed]
